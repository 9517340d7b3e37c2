/** An ISO time as people read it, to the second: `2026-01-02 03:04:05 UTC`. */
export const utcText = (iso: string): string => iso.replace('T', ' ').replace(/(\.\d+)?Z$/, ' UTC')
