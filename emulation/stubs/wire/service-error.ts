/** An error that goes to the caller over the wire, as the AWS service would send it. */
export class ServiceError extends Error {
  override readonly name = "ServiceError";
  /** The error's code: `ValidationException`, `ResourceInUse`, … */
  readonly code: string;
  readonly status: number;
  /** Members of the error's shape beyond its message. */
  readonly members: Readonly<Record<string, unknown>>;

  constructor(code: string, message: string, status = 400, members: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.code = code;
    this.status = status;
    this.members = members;
  }
}

/** `ValidationException`, status 400: what most operations say about bad input and about what does not exist. */
export function validationException(message: string): ServiceError {
  return new ServiceError("ValidationException", message);
}
