/** The label of a container or service with how long its lines are kept, such as `7d`. */
export const RETENTION_LABEL = 'swarmlogs.retention'
/** Longer ones make no sense and are not kept. */
export const MAX_RETENTION = 64
