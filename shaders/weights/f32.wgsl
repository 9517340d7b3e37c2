// Weights as they are. ROW_QUADS: fours in a row.
@group(0) @binding(1) var<storage, read> codes: array<vec4f>;
@group(0) @binding(2) var<storage, read> scales: array<u32>;
fn weight_quad(row: u32, quad: u32) -> vec4f {
  return codes[row * ROW_QUADS + quad];
}
