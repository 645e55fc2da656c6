import type { Gap } from '../../shared/gap.ts'

/** A gap as stores keep it. */
export function gapText({ from, to, ...rest }: Gap): string {
  return JSON.stringify({ ...rest, from: String(from), to: String(to) })
}

/** Reads what `gapText` wrote. */
export function gapOf(text: string): Gap {
  const kept: Omit<Gap, 'from' | 'to'> & { from: string; to: string } = JSON.parse(text)
  return { ...kept, from: BigInt(kept.from), to: BigInt(kept.to) }
}
