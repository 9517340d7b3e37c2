// codes = round(w / scale), scale = max |w| of the group of 32 / TOP, rounded to f16. Inverse: weights/int8 and weights/int4.
// One invocation: the two groups whose scales share a word. Constants: BITS (8 or 4), TOP (127 or 7).
// w: [count]; codes: [count * BITS / 32] words, then the scales.
// #include "flat"
struct Params { groups: u32 }
@group(0) @binding(0) var<storage, read> w: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> codes: array<u32>;
@group(0) @binding(2) var<storage, read_write> scales: array<u32>;
@group(0) @binding(3) var<uniform> params: Params;
// #include "half"

const QUADS = 8u;
const WORD_QUADS = 8u / BITS;
const LEAST_SCALE = 0.00006103515625;

fn packed(value: vec4f, scale: f32) -> u32 {
  var code = vec4i();
  if (scale > 0.0) { code = vec4i(clamp(round(value / scale), vec4f(-f32(TOP)), vec4f(f32(TOP)))); }
  if (BITS == 4u) { code += 8; }
  let bits = bitcast<vec4u>(code) & vec4u((1u << BITS) - 1u);
  return bits.x | (bits.y << BITS) | (bits.z << (2u * BITS)) | (bits.w << (3u * BITS));
}

/// Packs a group and returns the bits of its scale.
fn pack_group(group: u32) -> u32 {
  var most = vec4f();
  for (var q = 0u; q < QUADS; q++) { most = max(most, abs(w[group * QUADS + q])); }
  let largest = max(max(most.x, most.y), max(most.z, most.w));
  var bits = 0u;
  if (largest > 0.0) { bits = f16_bits(max(largest / f32(TOP), LEAST_SCALE)); }
  let scale = unpack2x16float(bits).x;
  for (var q = 0u; q < QUADS; q += WORD_QUADS) {
    var word = 0u;
    for (var part = 0u; part < WORD_QUADS; part++) {
      word |= packed(w[group * QUADS + q + part], scale) << (16u * part);
    }
    codes[(group * QUADS + q) / WORD_QUADS] = word;
  }
  return bits;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let pair = flat_workgroup(group, groups) * 64u + lane.x;
  let first = pair * 2u;
  if (first >= params.groups) { return; }
  var bits = pack_group(first);
  if (first + 1u < params.groups) { bits |= pack_group(first + 1u) << 16u; }
  scales[pair] = bits;
}
