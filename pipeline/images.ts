/** Kinds of images: the jobs', and the endpoints' for dense and for sparse models. */
export type ImageKind = "training" | "serving" | "sparse_serving";

/** What an image runs on. */
export type Device = "gpu" | "cpu";

/** An image for each kind and device; `resolve-parameters` chooses from these by the instance's family. */
export const IMAGE_PURPOSES = [
  "training_gpu",
  "training_cpu",
  "serving_gpu",
  "serving_cpu",
  "sparse_serving_gpu",
  "sparse_serving_cpu",
] as const satisfies readonly `${ImageKind}_${Device}`[];
export type ImagePurpose = (typeof IMAGE_PURPOSES)[number];

/** Values by purpose: URIs, unless said otherwise. */
export type Images<Value = string> = Readonly<Record<ImagePurpose, Value>>;

type ParameterOf<Purpose extends ImagePurpose> = Purpose extends `${infer Kind}_${Device}`
  ? Purpose extends `${Kind}_${infer On}`
    ? `${Kind}_image_${On}`
    : never
  : never;

/** Name of the parameter that takes an image of one's own: `training_gpu` -> `training_image_gpu`. */
export function imageParameter<Purpose extends ImagePurpose>(purpose: Purpose): ParameterOf<Purpose> {
  return purpose.replace(/_([gc]pu)$/, "_image_$1") as ParameterOf<Purpose>;
}

/** A value for each purpose. */
export function forEachImage<Value>(value: (purpose: ImagePurpose) => Value): Images<Value> {
  return Object.fromEntries(IMAGE_PURPOSES.map((purpose) => [purpose, value(purpose)])) as Record<ImagePurpose, Value>;
}
