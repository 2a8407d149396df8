import { PARAMETERS } from "../../pipeline/parameters.ts";

/** Settings of a recipe: the scripts' hyperparameters, with underscores. */
export interface Recipe {
  readonly num_hard_negatives: number;
  readonly dense_candidates: boolean;
  readonly max_source_rank: number;
  readonly scoring_max_negatives: number;
  readonly num_negatives: number;
  readonly temperature: number;
  readonly teacher_score_scale_factor: number;
  readonly teacher_spread: number;
  readonly teacher_max_source_rank: number;
  readonly teacher_drop_lowest_share: number;
  readonly contrastive_weight: number;
  readonly hard_negative_margin: number;
  readonly early_stopping_patience: number;
  readonly merge_with_base: boolean;
  /** Of no effect on a dense model. */
  readonly flops_weight: number;
}

/** The original's: BM25's best, flat KL alone, every query, the last step's model. */
const ORIGINAL: Recipe = {
  num_hard_negatives: 20,
  dense_candidates: false,
  max_source_rank: 0,
  scoring_max_negatives: 4,
  num_negatives: 2,
  temperature: 1,
  teacher_score_scale_factor: 0.025,
  teacher_spread: 0,
  teacher_max_source_rank: 0,
  teacher_drop_lowest_share: 0,
  contrastive_weight: 0,
  hard_negative_margin: 0,
  early_stopping_patience: 0,
  merge_with_base: false,
  flops_weight: 0,
};

/** Ours: what the pipeline does unless told otherwise. */
const OURS: Recipe = {
  num_hard_negatives: PARAMETERS.num_hard_negatives.default,
  dense_candidates: PARAMETERS.dense_candidates.default,
  max_source_rank: PARAMETERS.max_source_rank.default,
  scoring_max_negatives: PARAMETERS.scoring_max_negatives.default,
  num_negatives: PARAMETERS.num_negatives.default,
  temperature: PARAMETERS.temperature.default,
  teacher_score_scale_factor: PARAMETERS.teacher_score_scale_factor.default,
  teacher_spread: PARAMETERS.teacher_spread.default,
  teacher_max_source_rank: PARAMETERS.teacher_max_source_rank.default,
  teacher_drop_lowest_share: PARAMETERS.teacher_drop_lowest_share.default,
  contrastive_weight: PARAMETERS.contrastive_weight.default,
  hard_negative_margin: PARAMETERS.hard_negative_margin.default,
  early_stopping_patience: PARAMETERS.early_stopping_patience.default,
  merge_with_base: PARAMETERS.merge_with_base.default,
  flops_weight: PARAMETERS.flops_weight.default,
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
