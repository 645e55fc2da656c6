import { lower } from '../../query/filter.ts'

/*
 * A substring cannot be asked of an index of words, but what it says about words can: "ction refused by" is only in lines that have a word
 * that ends in "ction", the word "refused", and one that begins with "by". Those lines are few, and are then held against the text itself.
 * This must never leave out a line: only letters are used whose lower case is the same to Elasticsearch and to us, which its tokenizer
 * (UAX #29) never parts from their neighbours; and next to a word only characters that it never joins to one count as its end.
 */
const WORDS = /[a-z0-9_\u00e0-\u00f6\u00f8-\u00fe\u03ac-\u03ce\u0430-\u045f]+/g
const ENDS = /[ \t\n\r!"#$%&()*+\-/<=>?@[\\\]^`{|}~]/
/** Within other words so short a part is everywhere. */
const MIN_PART = 3
const MAX_CLAUSES = 16
/** Letters of a word that are looked for within others: the automaton for more is dear, and refused. */
const MAX_PART = 32

/** Queries that every line with this text in its message meets; none when the text has no words. */
export function grepClauses(grep: string): object[] {
  const text = lower(grep)
  const clauses: object[] = []
  for (const { 0: word, index } of text.matchAll(WORDS)) {
    if (clauses.length === MAX_CLAUSES) break
    if (!/[a-z0-9\u00e0-\u045f]/.test(word)) continue
    const clause = wordClause(word, endsAt(text, index - 1), endsAt(text, index + word.length))
    if (clause !== undefined) clauses.push(clause)
  }
  if (clauses.length === 0) return []
  // In a word that the analyzer cut nothing can be found, so lines with such words are all looked at.
  return [{ bool: { should: [{ bool: { filter: clauses } }, { term: { 'swarmlogs.long_token': true } }] } }]
}

function wordClause(word: string, isStart: boolean, isEnd: boolean): object | undefined {
  if (isStart && isEnd) return { term: { message: word } }
  if (isStart) return { prefix: { message: word } }
  if (word.length < MIN_PART) return undefined
  return { wildcard: { message: { value: isEnd ? `*${word.slice(-MAX_PART)}` : `*${word.slice(0, MAX_PART)}*` } } }
}

/** Whether at this place stands a character that ends a word; at the ends of the text the line goes on unknown. */
function endsAt(text: string, index: number): boolean {
  const letter = text[index]
  return letter !== undefined && ENDS.test(letter)
}
