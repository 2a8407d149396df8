import type { MavenArtifact } from "../java/maven.ts";

/**
 * What an OpenSearch distribution with ML Commons, k-NN and neural search is made of, all on Maven Central. The
 * distribution's own archive is not there, so that it is put together from the parts it is built from.
 */

/** Later versions have no complete set of plugins on Maven Central (looked up in 2026-11). */
export const OPENSEARCH_VERSION = "2.19.1";
/** Plugins carry a fourth number. */
const PLUGIN_VERSION = `${OPENSEARCH_VERSION}.0`;

/** A module: a plugin that belongs to every distribution. Its jar comes without the descriptor and the policy. */
export interface OpenSearchModule {
  readonly name: string;
  readonly artifact: MavenArtifact;
  readonly className: string;
  /** The module whose service interface it extends. */
  readonly extends?: string;
  /** Security-manager permissions, from the module's `plugin-security.policy` in OpenSearch's sources. */
  readonly permissions?: readonly string[];
}

export interface DistributionRecipe {
  readonly version: string;
  readonly lib: readonly MavenArtifact[];
  readonly modules: readonly OpenSearchModule[];
  readonly plugins: readonly MavenArtifact[];
  /** Files of plugins that are left out. */
  readonly omitted: RegExp;
}

function module(artifactId: string, className: string, more: Partial<OpenSearchModule> = {}): OpenSearchModule {
  return {
    name: artifactId.replace(/-client$/, ""),
    artifact: { groupId: "org.opensearch.plugin", artifactId, version: OPENSEARCH_VERSION },
    className,
    ...more,
  };
}

function plugin(artifactId: string): MavenArtifact {
  return { groupId: "org.opensearch.plugin", artifactId, version: PLUGIN_VERSION, type: "zip", alone: true };
}

export const RECIPE: DistributionRecipe = {
  version: OPENSEARCH_VERSION,
  lib: [
    { groupId: "org.opensearch", artifactId: "opensearch", version: OPENSEARCH_VERSION },
    { groupId: "org.opensearch", artifactId: "opensearch-plugin-classloader", version: OPENSEARCH_VERSION },
    // Optional in the server's pom, but the server does not start without them.
    { groupId: "org.apache.logging.log4j", artifactId: "log4j-core", version: "2.21.0" },
    { groupId: "org.locationtech.spatial4j", artifactId: "spatial4j", version: "0.7" },
    { groupId: "org.locationtech.jts", artifactId: "jts-core", version: "1.15.0", alone: true },
  ],
  modules: [
    module("transport-netty4-client", "org.opensearch.transport.Netty4Plugin", {
      permissions: [
        'java.io.FilePermission "/proc/sys/net/core/somaxconn", "read"',
        'java.net.SocketPermission "*", "accept,connect"',
        'java.lang.RuntimePermission "*", "setContextClassLoader"',
        'java.lang.RuntimePermission "getClassLoader"',
        'java.util.PropertyPermission "sun.nio.ch.bugLevel", "write"',
      ],
    }),
    module("lang-painless", "org.opensearch.painless.PainlessPlugin", {
      permissions: ['java.lang.RuntimePermission "createClassLoader"', 'java.lang.RuntimePermission "getClassLoader"'],
    }),
    module("analysis-common", "org.opensearch.analysis.common.CommonAnalysisPlugin", { extends: "lang-painless" }),
    module("ingest-common", "org.opensearch.ingest.common.IngestCommonPlugin", { extends: "lang-painless" }),
    module("reindex-client", "org.opensearch.index.reindex.ReindexPlugin", {
      permissions: ['java.net.SocketPermission "*", "connect"', 'java.net.NetPermission "getProxySelector"'],
    }),
    module("parent-join-client", "org.opensearch.join.ParentJoinPlugin"),
    module("percolator-client", "org.opensearch.percolator.PercolatorPlugin"),
    module("lang-mustache-client", "org.opensearch.script.mustache.MustachePlugin", {
      permissions: ['java.lang.RuntimePermission "accessDeclaredMembers"'],
    }),
    module("rank-eval-client", "org.opensearch.index.rankeval.RankEvalPlugin"),
    module("aggs-matrix-stats-client", "org.opensearch.search.aggregations.matrix.MatrixAggregationPlugin"),
    module("mapper-extras-client", "org.opensearch.index.mapper.MapperExtrasPlugin"),
  ],
  plugins: [
    plugin("opensearch-job-scheduler"),
    plugin("opensearch-ml-plugin"),
    plugin("opensearch-knn"),
    plugin("neural-search"),
    plugin("opensearch-security"),
  ],
  // 304 MB, and only needed to run ONNX models inside the node; models behind connectors work without.
  omitted: /^onnxruntime_gpu-.*\.jar$/,
};
