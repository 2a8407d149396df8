import { type PARAMETERS, parameter, type ValueOf } from "../../pipeline/parameters/table.ts";

/** The parameters that make a recipe. */
export const RECIPE_PARAMETERS = [
  "num_hard_negatives",
  "dense_candidates",
  "max_source_rank",
  "scoring_max_negatives",
  "num_negatives",
  "temperature",
  "teacher_score_scale_factor",
  "teacher_spread",
  "teacher_max_source_rank",
  "teacher_drop_lowest_share",
  "contrastive_weight",
  "hard_negative_margin",
  "early_stopping_patience",
  "merge_with_base",
  "flops_weight",
] as const satisfies readonly (keyof typeof PARAMETERS)[];
type RecipeParameter = (typeof RECIPE_PARAMETERS)[number];

/** Values of the parameters that make a recipe. */
export type Recipe = { readonly [Name in RecipeParameter]: ValueOf<Name> };

/** Ours: the pipeline's defaults. */
const OURS = Object.fromEntries(RECIPE_PARAMETERS.map((name) => [name, parameter(name).default])) as unknown as Recipe;

/**
 * Recipe of the original (https://github.com/zhichao-aws/opensearch-finetuning): BM25's best, flat KL alone, every query, the last
 * step's model.
 */
const ORIGINAL: Recipe = {
  ...OURS,
  dense_candidates: false,
  max_source_rank: 0,
  temperature: 1,
  teacher_spread: 0,
  teacher_max_source_rank: 0,
  teacher_drop_lowest_share: 0,
  contrastive_weight: 0,
  hard_negative_margin: 0,
  early_stopping_patience: 0,
  merge_with_base: false,
  flops_weight: 0,
};

/** Ours with hybrid candidates: the base model's too, which need a GPU for a large one, and the filter that goes with them. */
const HYBRID: Recipe = { ...OURS, dense_candidates: true, max_source_rank: 20 };

export const RECIPES: Readonly<Record<string, Recipe>> = { original: ORIGINAL, ours: OURS, "ours-hybrid": HYBRID };

/** A part of a recipe that can be on or off. */
export interface RecipeElement {
  readonly on: Partial<Recipe>;
  readonly off: Partial<Recipe>;
}

/** What the ablations turn on or off, one at a time. */
export const ELEMENTS: Readonly<Record<string, RecipeElement>> = {
  "dense-candidates": { on: { dense_candidates: true }, off: { dense_candidates: false } },
  "retrieval-filter": { on: { max_source_rank: 20 }, off: { max_source_rank: 0 } },
  "teacher-rank-filter": { on: { teacher_max_source_rank: 1 }, off: { teacher_max_source_rank: 0 } },
  "lowest-scores-filter": { on: { teacher_drop_lowest_share: 0.1 }, off: { teacher_drop_lowest_share: 0 } },
  // Off: a scale set by hand for a teacher whose scores are cosines / 0.05.
  calibration: { on: { teacher_spread: 1 }, off: { teacher_spread: 0, teacher_score_scale_factor: 0.025 / 0.05 } },
  contrast: { on: { contrastive_weight: 0.4 }, off: { contrastive_weight: 0 } },
  "hard-negative-contrast": { on: { hard_negative_margin: 0.05 }, off: { hard_negative_margin: 0 } },
  "early-stop": { on: { early_stopping_patience: 2 }, off: { early_stopping_patience: 0 } },
  merge: { on: { merge_with_base: true }, off: { merge_with_base: false } },
};

/** The recipe with each of these elements changed in turn: without one that it has, with one that it lacks. */
export function ablationsOf(recipe: Recipe, elements: readonly string[]): [string, Recipe][] {
  return elements.map((name) => {
    const { on, off } = ELEMENTS[name] as RecipeElement;
    const has = Object.keys(on).some((setting) => recipe[setting as keyof Recipe] !== off[setting as keyof Recipe]);
    return has ? [`without ${name}`, { ...recipe, ...off }] : [`with ${name}`, { ...recipe, ...on }];
  });
}
