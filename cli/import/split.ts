const NEWLINE = 0x0a

/** The whole lines of a stream of pieces, some at a time; the last one must end in a newline. */
export async function* linesOf(pieces: AsyncIterable<Buffer>): AsyncGenerator<string[]> {
  let held: Buffer[] = []
  for await (const piece of pieces) {
    const end = piece.lastIndexOf(NEWLINE)
    if (end < 0) {
      held.push(piece)
      continue
    }
    yield Buffer.concat([...held, piece.subarray(0, end)])
      .toString()
      .split('\n')
    held = [piece.subarray(end + 1)]
  }
}
