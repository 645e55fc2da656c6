const KIB = 1024
const MIB = 1024 * KIB

/** Bytes of one frame on the wire; fluentd's chunks are 8 MiB by default. */
export const FRAME_BYTES = 16 * MIB
/** Bytes of a PING: before the handshake a peer gets no more memory than this. */
export const LOGIN_BYTES = 4 * KIB
/** Nesting of arrays and maps in a frame as a whole; `RECORD_DEPTH` is the tighter limit of one record. */
export const FRAME_DEPTH = 64
export const RECORD_DEPTH = 32
/** Keys of one record, those of nested maps counted too. */
export const RECORD_KEYS = 1000
/** Elements of all arrays of one record. */
export const RECORD_VALUES = 65_536
export const KEY_BYTES = 512
/** The same key so often in one map: each value is kept under a name of its own. */
export const KEY_REPEATS = 10
/** Records of one frame; what comes behind them is quarantined. They are stored in slices, so memory does not grow with their number. */
export const FRAME_RECORDS = 1_000_000
/** Gaps of one frame; what comes behind them is quarantined. */
export const FRAME_GAPS = 10_000
/** Bytes of one line; longer ones are cut and flagged. */
export const LINE_BYTES = MIB
export const TAG_LENGTH = 1024
export const CHUNK_ID_BYTES = 256

/** Bytes that one compressed frame may inflate to. */
export const INFLATED_BYTES = 64 * MIB
/** An inflation beyond `INFLATED_FREE` may not be more than this many times its compressed size. */
export const INFLATE_RATIO = 200
/** Bytes that any frame may inflate to whatever its ratio: one long line of equal bytes is no bomb. */
export const INFLATED_FREE = 8 * MIB
/** What is set aside for an inflation at first; a frame that needs more waits for room to inflate to the full limit. */
export const INFLATE_FIRST = 4 * MIB
/** Concatenated zstd frames in one wire frame. */
export const ZSTD_FRAMES = 1000

/** Connections that were let in; one more closes the one that was idle for longest. */
export const CONNECTIONS = 1024
/** Of these with the same name in their PING; Fluent Bit's is `localhost` on every machine unless it is told another. */
export const CONNECTIONS_PER_NAME = 256
/** Connections that have not (yet) shown that they know a key, of all addresses and of one. */
export const STRANGERS = 256
export const STRANGERS_PER_ADDRESS = 128
export const LOGIN_MS = 10_000
/** A wrong key is answered this late, so that guessing is bounded by the number of strangers. */
export const LOGIN_REFUSAL_MS = 500
/** A frame must be whole this long after its first byte; time in which the server did not read does not count. */
export const FRAME_MS = 60_000

/** Batches and bytes of one connection that may wait for the store; then its socket is not read. */
export const UNACKED_BATCHES = 16
export const UNACKED_BYTES = 16 * MIB
/** Bytes of all connections together, from partial frames to records that wait for the store. */
export const TOTAL_BYTES = 40 * MIB
/** Records, and bytes of them, after which a batch goes to the store though its frame has more. */
export const BATCH_RECORDS = 20_000
export const BATCH_BYTES = 8 * MIB
/** What a decoded record is reckoned to hold besides its bytes. */
export const RECORD_OVERHEAD_BYTES = 400
export const GAP_BYTES = 300
/** Records that are decoded before the event loop gets a turn. */
export const SLICE_RECORDS = 1000
/** Acks that a peer has not read; beyond it, acks are dropped until it has read all (senders that ask for acks and never read them are real). */
export const ACK_BACKLOG_BYTES = 64 * KIB

/** Wait before a connection whose records could not be stored is closed, and between tries of records that nobody would send again. */
export const RETRY_MS = 1000
