const SOURCES = { 1: 'stdout', 2: 'stderr', 3: 'error', 4: 'trailer' } as const

/** The frames of a whole multiplexed stream. Throws when it is none. */
export function framesOf(bytes: Buffer): { source: 'stdout' | 'stderr' | 'error' | 'trailer'; text: string }[] {
  const frames = []
  for (let at = 0; at < bytes.length; ) {
    const source = SOURCES[bytes.readUInt8(at) as 1 | 2 | 3 | 4]
    const end = at + 8 + bytes.readUInt32BE(at + 4)
    if (source === undefined || bytes.readUIntBE(at + 1, 3) !== 0 || end > bytes.length) throw new Error('no frame')
    frames.push({ source, text: bytes.toString('utf8', at + 8, end) })
    at = end
  }
  return frames
}
