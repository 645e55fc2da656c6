import { SwarmlogsError } from '../../shared/errors.ts'

/** -i, -e and -H. */
export interface MatchFlags {
  readonly include?: readonly string[]
  readonly exclude?: readonly string[]
  readonly highlight?: readonly string[]
}

/** Which lines are shown, and what is marked in them. */
export interface Matching {
  /** Whether any line may be left out. */
  readonly isChoosing: boolean
  readonly takes: (message: string) => boolean
  /** Where marks begin and end, in order, without overlaps; undefined: nothing is marked. */
  readonly marks: ((text: string) => readonly (readonly [from: number, to: number])[]) | undefined
}

/** What a regex of ours needs of one: RE2's, which takes linear time whatever the pattern. */
interface Pattern {
  matcher(text: string): { find(): boolean; start(): number; end(): number }
}

/** Marks in one line; more of them help nobody. */
const MAX_MARKS = 1_000

/** Reads the regexes (RE2's syntax, as the query language has it). Throws SWARMLOGS_USAGE for one that cannot be read. */
export async function readMatching(flags: MatchFlags): Promise<Matching | undefined> {
  const { include = [], exclude = [], highlight = [] } = flags
  if (include.length + exclude.length + highlight.length === 0) return undefined
  const { RE2JS } = await import('re2js')
  const read = (text: string): Pattern => {
    try {
      return RE2JS.compile(text)
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause)
      throw new SwarmlogsError('SWARMLOGS_USAGE', `cannot read the regex '${text}': ${reason}`, { cause })
    }
  }
  const [wanted, unwanted] = [include.map(read), exclude.map(read)]
  const marked = [...wanted, ...highlight.map(read)]
  const isIn = (text: string) => (pattern: Pattern) => pattern.matcher(text).find()
  return {
    isChoosing: wanted.length + unwanted.length > 0,
    takes: (text) => (wanted.length === 0 || wanted.some(isIn(text))) && !unwanted.some(isIn(text)),
    marks: marked.length === 0 ? undefined : (text) => merged(marked.flatMap((pattern) => placesOf(pattern, text))),
  }
}

function placesOf(pattern: Pattern, text: string): [number, number][] {
  const places: [number, number][] = []
  const matcher = pattern.matcher(text)
  while (places.length < MAX_MARKS && matcher.find()) {
    if (matcher.end() > matcher.start()) places.push([matcher.start(), matcher.end()])
  }
  return places
}

function merged(places: [number, number][]): [number, number][] {
  const result: [number, number][] = []
  for (const [from, to] of places.sort((a, b) => a[0] - b[0])) {
    const last = result.at(-1)
    if (last !== undefined && from <= last[1]) last[1] = Math.max(last[1], to)
    else result.push([from, to])
  }
  return result
}
