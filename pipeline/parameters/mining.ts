import { FLAG, instanceType, integer, type Parameter } from "./parameter.ts";

export const MINING_PARAMETERS = {
  processing_instance_type: instanceType(
    "ml.c5.4xlarge",
    "Instance that mines hard negatives. A CPU type is enough without dense_candidates.",
    "ml.c5.4xlarge",
  ),
  num_hard_negatives: {
    ...integer(20, 1, 200, "Hard negatives mined for each query."),
    jobs: ["mining"],
  },
  dense_candidates: {
    ...FLAG,
    default: false,
    description:
      "Mine among the base model's nearest documents as well as BM25's. This embeds the corpus: give processing_instance_type a GPU.",
    scope: "execution",
    jobs: ["mining"],
  },
  max_source_rank: {
    ...integer(
      0,
      0,
      200,
      "Keep a query only when its document is among this many best candidates of the miner. 0 keeps every query.",
    ),
    jobs: ["mining"],
  },
} as const satisfies Record<string, Parameter>;
