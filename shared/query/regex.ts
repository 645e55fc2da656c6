import { RE2JS, RE2JSSyntaxException } from 're2js'

/** A pattern is compiled to so many instructions at most: DuckDB's RE2 refuses what takes more than 8 MiB. */
const MAX_PROGRAM = 5_000

/** A compiled expression: whether it matches somewhere in a text, in time linear in the text. */
export type Regex = (text: string) => boolean

/** Compiles an RE2 expression. Throws an Error whose message says what is wrong with it. */
export function compileRegex(source: string, isInsensitive: boolean): Regex {
  const regex = compile(source, isInsensitive ? RE2JS.CASE_INSENSITIVE : 0)
  if (regex.programSize() > MAX_PROGRAM) throw new Error('it repeats too much')
  return (text) => regex.test(text)
}

function compile(source: string, flags: number): RE2JS {
  try {
    return RE2JS.compile(source, flags)
  } catch (error) {
    if (!(error instanceof RE2JSSyntaxException)) throw error
    throw new Error(error.message.replace(/^error parsing regexp: /, ''), { cause: error })
  }
}
