import { lambdaHandler } from "../shared/lambda/handler.ts";
import { PlanRequest, planJobs } from "./plan.ts";

/** Between stages 2 and 3: {document_count, query_record_count, volume_size_gb, parameters} to a JobPlan a job. */
export const handler = lambdaHandler("plan-jobs", PlanRequest, async (event) => planJobs(event));
