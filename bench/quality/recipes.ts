import { PARAMETERS } from "../../modules/parameters.ts";

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

/** Ours with hybrid candidates, which has all elements, without one of them. */
export const ABLATIONS: Readonly<Record<string, Partial<Recipe>>> = {
  "dense-candidates": { dense_candidates: false },
  "retrieval-filter": { max_source_rank: 0 },
  "lowest-scores-filter": { teacher_drop_lowest_share: 0 },
  calibration: { teacher_spread: 0, teacher_score_scale_factor: 0.025 / 0.05 },
  contrast: { contrastive_weight: 0 },
  "hard-negative-contrast": { hard_negative_margin: 0 },
  "early-stop": { early_stopping_patience: 0 },
  merge: { merge_with_base: false },
};
