// Gives rows t * GROUP + g of key head kv, the keys they attend to, and the weights of 32 of them. The kernel defines HEADS, kv and spans.
const WEIGHT_STRIDE = TILE / 4u + 1u;
/// Of row r at columns 4i to 4i + 3: [r * WEIGHT_STRIDE + i].
var<workgroup> weights: array<vec4f, TILE * WEIGHT_STRIDE>;
/// The row in [T, HEADS, HD].
fn head_row(row: u32) -> u32 { return row / GROUP * HEADS + kv * GROUP + row % GROUP; }
/// First and last key that the row sees; (1, 0), an empty range, where there is no such query.
fn keys_of(row: u32, live: u32) -> vec2u {
  let query = row / GROUP;
  return select(vec2u(1u, 0u), vec2u(spans[1u + min(query, live - 1u)].x, query), query < live);
}
fn is_within(at: u32, range: vec2u) -> bool { return at >= range.x && at <= range.y; }
/// Of four from `at` on.
fn within(at: u32, range: vec2u) -> vec4<bool> {
  let four = vec4u(at) + vec4u(0u, 1u, 2u, 3u);
  return (four >= vec4u(range.x)) & (four <= vec4u(range.y));
}
