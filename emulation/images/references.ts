import { LOCALSTACK_VERSION } from "../aws/localstack.ts";
import { OPENSEARCH_VERSION } from "../opensearch/recipe.ts";

/** A program that the containers runtime starts, and its images. */
export interface ContainerProgram {
  /** Image of the project itself. */
  readonly published: string;
  /** Image that `npm run emulation:images` makes. */
  readonly own: string;
  /** Environment variable that names another image. */
  readonly variable: string;
}

export const LOCALSTACK_IMAGES: ContainerProgram = {
  published: `localstack/localstack:${LOCALSTACK_VERSION}`,
  own: `opensearch-finetuning/localstack:${LOCALSTACK_VERSION}`,
  variable: "E2E_LOCALSTACK_IMAGE",
};

export const OPENSEARCH_IMAGES: ContainerProgram = {
  published: `opensearchproject/opensearch:${OPENSEARCH_VERSION}`,
  own: `opensearch-finetuning/opensearch:${OPENSEARCH_VERSION}`,
  variable: "E2E_OPENSEARCH_IMAGE",
};
