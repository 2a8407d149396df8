/** Kinds of images: the jobs', and the endpoints' for dense and for sparse models. */
export type ImageKind = "training" | "serving" | "sparse_serving";

/** An image for each kind and device; `resolve-parameters` chooses from these by the instance's family. */
export const IMAGE_PURPOSES = [
  "training_gpu",
  "training_cpu",
  "serving_gpu",
  "serving_cpu",
  "sparse_serving_gpu",
  "sparse_serving_cpu",
] as const satisfies readonly `${ImageKind}_${"gpu" | "cpu"}`[];
export type ImagePurpose = (typeof IMAGE_PURPOSES)[number];

/** URIs by purpose. */
export type Images = Readonly<Record<ImagePurpose, string>>;
