declare module "asl-validator" {
  interface ValidationResult {
    readonly isValid: boolean;
    readonly errors: readonly unknown[];
  }
  export default function validate(definition: unknown): ValidationResult;
}
