/** Whether a SageMaker instance type has NVIDIA GPUs: those families are named g and p with a number (ml.g5.xlarge, ml.p4d.24xlarge). */
export function hasGpu(instanceType: string): boolean {
  return /^ml\.[gp]\d/.test(instanceType);
}

/**
 * Whether a SageMaker instance type keeps its data on NVMe disks of its own. Those are encrypted by the hardware, and SageMaker
 * refuses a key for them.
 */
export function hasLocalStorage(instanceType: string): boolean {
  return /^ml\.(g4dn|g[5-9][a-z]*|p3dn|p[4-9][a-z]*|trn\d[a-z]*|[cmr]\d[a-z]*d[a-z]*)\./.test(instanceType);
}
