#!/bin/sh
# Starts OpenSearch as the project's own image does, as far as the harness needs it.
set -eu
cd /usr/share/opensearch
[ "${1:-opensearch}" != opensearch ] || shift
# shellcheck disable=SC2086 # Java's options are several words.
exec java -Xms512m -Xmx512m -Xss1m -XX:+UseG1GC -XX:-OmitStackTraceInFastThrow \
  -Djava.awt.headless=true -Dfile.encoding=UTF-8 -Djna.nosys=true \
  -Dio.netty.noUnsafe=true -Dio.netty.noKeySetOptimization=true -Dio.netty.recycler.maxCapacityPerThread=0 \
  -Dlog4j.shutdownHookEnabled=false -Dlog4j2.disable.jmx=true -Djava.locale.providers=SPI,COMPAT \
  -Djava.security.manager=allow ${OPENSEARCH_JAVA_OPTS:-} \
  -Dopensearch.path.home=/usr/share/opensearch -Dopensearch.path.conf=/usr/share/opensearch/config \
  -Dopensearch.distribution.type=docker -Dopensearch.bundled_jdk=false \
  -cp '/usr/share/opensearch/lib/*' org.opensearch.bootstrap.OpenSearch "$@"
