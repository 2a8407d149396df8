/** Whether a SageMaker instance type has NVIDIA GPUs: those families are named g and p with a number (ml.g5.xlarge, ml.p4d.24xlarge). */
export function hasGpu(instanceType: string): boolean {
  return /^ml\.[gp]\d/.test(instanceType);
}
