/** White space as Unicode, Rust and (with four separators more) Python have it. JavaScript's `\s` has U+FEFF and lacks U+0085. For a character class. */
export const UNICODE_SPACE = '\\t-\\r\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000'
