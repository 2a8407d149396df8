import { OPENSEARCH_VERSION } from "../opensearch/recipe.ts";

/** The programs that the containers runtime starts. */
export type ContainerProgram = "localstack" | "ministack" | "opensearch";

/** Later versions of LocalStack do not start without an account's token. */
export const LOCALSTACK_VERSION = "4.14.0";
export const MINISTACK_VERSION = "1.5.33";

/** Images of the projects themselves; MiniStack's has no Node, which runs the functions. */
export const PUBLISHED_IMAGES: Readonly<Partial<Record<ContainerProgram, string>>> = {
  localstack: `localstack/localstack:${LOCALSTACK_VERSION}`,
  opensearch: `opensearchproject/opensearch:${OPENSEARCH_VERSION}`,
};

/** Images that `npm run emulation:images` makes. */
export const OWN_IMAGES: Readonly<Record<ContainerProgram, string>> = {
  localstack: `opensearch-finetuning/localstack:${LOCALSTACK_VERSION}`,
  ministack: `opensearch-finetuning/ministack:${MINISTACK_VERSION}`,
  opensearch: `opensearch-finetuning/opensearch:${OPENSEARCH_VERSION}`,
};

/** Environment variables that name another image. */
export const IMAGE_VARIABLES: Readonly<Record<ContainerProgram, string>> = {
  localstack: "E2E_LOCALSTACK_IMAGE",
  ministack: "E2E_MINISTACK_IMAGE",
  opensearch: "E2E_OPENSEARCH_IMAGE",
};
