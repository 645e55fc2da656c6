import { lower } from '../../query/filter.ts'
import { allOf, type Sieve, UNKNOWN } from './sieve.ts'

/*
 * A substring cannot be asked of an index of words, but what it says about words can: "ction refused by" is only in lines that have a word
 * that ends in "ction", the word "refused", and one that begins with "by". Those lines are few, and are then held against the text itself.
 * This must never leave out a line: only letters are used whose lower case is the same to Elasticsearch and to us, which its tokenizer
 * (UAX #29) never parts from their neighbours, nor does it part two digits or two letters with a full stop between them; and next to a word
 * only characters that it never joins to one count as its end. A text that is all of one such piece is where the piece is, and nowhere else.
 */
const LETTER = 'a-z\u00e0-\u00f6\u00f8-\u00fe\u03ac-\u03ce\u0430-\u045f'
const WORDS = new RegExp(
  `[${LETTER}0-9_]+(?:(?:(?<=[0-9])\\.(?=[0-9])|(?<=[${LETTER}])\\.(?=[${LETTER}]))[${LETTER}0-9_]+)*`,
  'g',
)
const LETTERS = new RegExp(`[${LETTER}]`)
const WORD_LETTERS = new RegExp(`[${LETTER}0-9]`)
const ENDS = /[ \t\n\r!"#$%&()*+\-/<=>?@[\\\]^`{|}~]/
const ASCII = /^[\0-\x7f]*$/
/** So short a part of a word is nearly everywhere: it is only asked for when there is nothing else. */
const MIN_PART = 2
const MAX_CLAUSES = 16
/** Letters of a word that are looked for within others: the automaton for more is dear, and refused. */
const MAX_PART = 32

/** A word, or a part of one. */
interface Piece {
  readonly text: string
  readonly start: number
  readonly isStart: boolean
  readonly isEnd: boolean
}

/** What the index says about lines that have the text in their message, whatever its case. */
export function textSieve(wanted: string): Sieve {
  const text = lower(wanted)
  const pieces = piecesOf(text)
  const clauses = clausesOf(text, pieces)
  if (clauses.length === 0) return UNKNOWN
  // In a word that the analyzer cut nothing can be found.
  const sieves = clauses.map((query): Sieve => ({ query, isExact: false, doubts: ['swarmlogs.long_token'] }))
  const isExact = pieces[0]?.text === text && text.length <= MAX_PART
  return { ...allOf(sieves), isExact }
}

function piecesOf(text: string): Piece[] {
  const pieces: Piece[] = []
  for (const { 0: word, index } of text.matchAll(WORDS)) {
    if (!WORD_LETTERS.test(word)) continue
    const end = index + word.length
    const isStart = endsAt(word.charAt(0), text.charAt(index - 1), text.charAt(index - 2))
    pieces.push({
      text: word,
      start: index,
      isStart,
      isEnd: endsAt(word.charAt(word.length - 1), text.charAt(end), text.charAt(end + 1)),
    })
  }
  return pieces
}

/** Whether a word surely ends before its neighbour, behind which another stands; at the ends of the text the line goes on unknown. */
function endsAt(letter: string, neighbour: string, next: string): boolean {
  if (ENDS.test(neighbour)) return true
  const [isDigit, isLetter] = [/[0-9]/.test(letter), LETTERS.test(letter)]
  // These join digits alone, letters alone, or two of a kind.
  if (neighbour === ',' || neighbour === ';') return !isDigit || (ASCII.test(next) && /[^0-9]/.test(next))
  if (neighbour === ':') return !isLetter || (ASCII.test(next) && /[^a-z]/.test(next))
  return neighbour === '.' && ASCII.test(next) && next !== '' && (isDigit ? /[^0-9]/ : /[^a-z]/).test(next)
}

function clausesOf(text: string, pieces: readonly Piece[]): object[] {
  const clauses: object[] = []
  const weak: object[] = []
  for (const words of neighbours(text, pieces)) {
    const [piece, ...more] = words
    if (piece === undefined) continue
    const isWeak = more.length === 0 && !piece.isStart && piece.text.length < MIN_PART
    if (more.length > 0) clauses.push(phrase(words))
    else (isWeak ? weak : clauses).push(clauseOf(piece))
  }
  return clauses.length === 0 ? weak.slice(0, 1) : clauses.slice(0, MAX_CLAUSES)
}

/** The pieces, whole words that follow each other together. */
function neighbours(text: string, pieces: readonly Piece[]): Piece[][] {
  const groups: Piece[][] = []
  let last: Piece | undefined
  for (const piece of pieces) {
    const between = last === undefined ? '' : text.slice(last.start + last.text.length, piece.start)
    const follows =
      last !== undefined && isWhole(last) && isWhole(piece) && ASCII.test(between) && !between.includes('_')
    if (follows) groups.at(-1)?.push(piece)
    else groups.push([piece])
    last = piece
  }
  return groups
}

function isWhole({ isStart, isEnd }: Piece): boolean {
  return isStart && isEnd
}

function phrase(words: readonly Piece[]): object {
  return { match_phrase: { message: { query: words.map(({ text }) => text).join(' '), analyzer: 'whitespace' } } }
}

function clauseOf({ text, isStart, isEnd }: Piece): object {
  if (isStart && isEnd) return { term: { message: text } }
  if (isStart) return { prefix: { message: text } }
  return { wildcard: { message: { value: isEnd ? `*${text.slice(-MAX_PART)}` : `*${text.slice(0, MAX_PART)}*` } } }
}
