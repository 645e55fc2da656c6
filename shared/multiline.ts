/** The container's label with the regex that the first line of each of its events matches. */
export const MULTILINE_LABEL = 'swarmlogs.multiline'
/** Longer ones are not kept. */
export const MAX_MULTILINE = 4096
