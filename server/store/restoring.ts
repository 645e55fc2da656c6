/** The folder in a store's folder that is there while a backup is restored, and when that was ended early. */
export const RESTORING = 'restore.unfinished'
