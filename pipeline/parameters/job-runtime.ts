import { FLAG, integer, type Parameter } from "./parameter.ts";

/** How long jobs run and on which market. */
export const JOB_RUNTIME_PARAMETERS = {
  use_spot_instances: {
    ...FLAG,
    default: true,
    description:
      "Run scoring and training on spot instances. They are cheaper, may be interrupted, and these two jobs keep checkpoints.",
    scope: "execution",
  },
  spot_wait_seconds: integer(
    14_400,
    0,
    604_800,
    "Seconds that a job may wait for spot instances in all, on top of its run time.",
  ),
  keep_alive_seconds: integer(
    0,
    0,
    21_600,
    "Seconds for which an instance is kept, and paid, for the next job of the same kind (a warm pool). 0 keeps none. It needs use_spot_instances = false and a quota.",
  ),
  max_job_runtime_seconds: integer(
    0,
    0,
    432_000,
    "Seconds after which each SageMaker job is stopped. 0 derives a limit for each job from its work.",
  ),
} as const satisfies Record<string, Parameter>;
