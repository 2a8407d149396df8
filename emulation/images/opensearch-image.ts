import { chmod, copyFile, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { findJdk } from "../java/jdk.ts";
import { distributionKey, openSearchDistribution } from "../opensearch/distribution.ts";
import { linkTree } from "../opensearch/unprivileged.ts";
import { BASE_IMAGE, BASE_KEY } from "./base.ts";
import { buildFromContext } from "./context.ts";
import type { ImageRecipe } from "./recipe.ts";

const ENTRYPOINT = fileURLToPath(new URL("./opensearch-entrypoint.sh", import.meta.url));

/** As in the project's own image: home, user and the variable for Java's options. */
const DOCKERFILE = `FROM ${BASE_IMAGE.reference}
RUN groupadd --gid 1000 opensearch && useradd --uid 1000 --gid 1000 --home /usr/share/opensearch opensearch
COPY --chown=1000:1000 home /usr/share/opensearch
COPY entrypoint.sh /usr/share/opensearch/opensearch-docker-entrypoint.sh
RUN mkdir -p /usr/share/opensearch/data /usr/share/opensearch/logs && chown 1000:1000 /usr/share/opensearch /usr/share/opensearch/data /usr/share/opensearch/logs
USER 1000
WORKDIR /usr/share/opensearch
EXPOSE 9200
ENTRYPOINT ["./opensearch-docker-entrypoint.sh"]
CMD ["opensearch"]
`;

/** OpenSearch from Maven Central, laid out as in the project's own image. */
export async function openSearchImage(reference: string): Promise<ImageRecipe> {
  return {
    reference,
    inputs: [BASE_KEY, DOCKERFILE, distributionKey(), await readFile(ENTRYPOINT, "utf8")],
    build: (key) =>
      buildFromContext(reference, key, async (context) => {
        await linkTree(await openSearchDistribution(await findJdk()), path.join(context, "home"));
        await copyFile(ENTRYPOINT, path.join(context, "entrypoint.sh"));
        await chmod(path.join(context, "entrypoint.sh"), 0o755);
        await writeFile(path.join(context, "Dockerfile"), DOCKERFILE);
      }),
  };
}
