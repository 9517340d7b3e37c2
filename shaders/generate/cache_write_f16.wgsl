// Writes cached keys and values in IEEE half precision, two per word, rounded to nearest even on every adapter.
// #include "half"
@group(0) @binding(6) var<storage, read_write> key_cache: array<vec2u>;
@group(0) @binding(7) var<storage, read_write> value_cache: array<vec2u>;
fn stored(quad: vec4f) -> vec2u {
  return vec2u(f16_bits(quad.x) | (f16_bits(quad.y) << 16u), f16_bits(quad.z) | (f16_bits(quad.w) << 16u));
}
