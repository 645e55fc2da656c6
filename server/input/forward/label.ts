/** Characters of a label: a name, an id, an image. */
export const LABEL_LENGTH = 1024

/** The text, or its first `length` characters in memory of their own: a slice would keep all of a long text alive. */
export function shortened(text: string, length: number = LABEL_LENGTH): string {
  return text.length > length ? Buffer.from(text.slice(0, length)).toString() : text
}
