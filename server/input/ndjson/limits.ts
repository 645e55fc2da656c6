const MIB = 1024 * 1024

/** Bytes of one body, inflated where it is compressed. */
export const BODY_BYTES = 32 * MIB
/** Bytes of a compressed body on the wire: it is held whole. */
export const COMPRESSED_BYTES = 8 * MIB
/** Bytes of one line of JSON; its message may have 1 MiB, more is cut. */
export const LINE_BYTES = 2 * MIB
/** Lines, and characters of them, that are stored at once. Changing them makes other chunks of what is sent again. */
export const BATCH_LINES = 5_000
export const BATCH_CHARS = 4 * MIB
/** Bodies that are taken at once, and compressed ones among them. */
export const BODIES = 16
export const COMPRESSED_BODIES = 4
/** Lines that were not taken and are named in the answer; the others are counted. */
export const NAMED_ERRORS = 100
/** Different sets of labels of one body that are remembered at once. */
export const STREAMS = 1_000
/** Characters of a sender's Idempotency-Key. */
export const KEY_CHARS = 256
