/** The status of the answer that an error of the client stands for; 0 when there was none. */
export function statusOf(error: unknown): number {
  return Number(member(member(error, '$metadata'), 'httpStatusCode') ?? 0)
}

/** What S3 calls an error, such as NoSuchBucket. */
export function nameOf(error: unknown): string {
  return String(member(error, 'Code') ?? member(error, 'name') ?? '')
}

/** What Node calls an error, such as ECONNRESET. */
export function codeOf(error: unknown): string {
  return String(member(error, 'code') ?? member(member(error, 'cause'), 'code') ?? '')
}

/** A member of an error's, whatever it is. */
export function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
}
