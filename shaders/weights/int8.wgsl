// Signed bytes, four to a word, times the scale of their group of 32. ROW_QUADS: fours in a row, a multiple of 8.
@group(0) @binding(1) var<storage, read> codes: array<u32>;
@group(0) @binding(2) var<storage, read> scales: array<u32>;
fn weight_quad(row: u32, quad: u32) -> vec4f {
  let at = row * ROW_QUADS + quad;
  let word = bitcast<i32>(codes[at]);
  let scale = unpack2x16float(scales[at >> 4u] >> ((at & 8u) << 1u)).x;
  return scale * vec4f(vec4i(word << 24u, word << 16u, word << 8u, word) >> vec4u(24u));
}
