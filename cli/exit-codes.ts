/** What the program's exit codes say, for help and manual. */
export const EXIT_CODES: readonly (readonly [code: number, text: string])[] = [
  [0, 'all went well'],
  [1, 'it failed: the server is away, a name is unknown, an answer broke off'],
  [2, 'wrong usage or configuration'],
  [3, 'with --strict: lines are missing, or nobody knows (doctor: there are warnings)'],
  [4, 'with --fail-if-empty: there was no line'],
  [130, 'Ctrl-C'],
]
