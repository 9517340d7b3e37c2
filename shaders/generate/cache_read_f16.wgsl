// Reads cached keys and values in IEEE half precision, two per word, without the feature shader-f16.
@group(0) @binding(1) var<storage, read> key_cache: array<vec2u>;
@group(0) @binding(2) var<storage, read> value_cache: array<vec2u>;
fn wide(pairs: vec2u) -> vec4f { return vec4f(unpack2x16float(pairs.x), unpack2x16float(pairs.y)); }
fn key_quad(quad: u32) -> vec4f { return wide(key_cache[quad]); }
fn value_quad(quad: u32) -> vec4f { return wide(value_cache[quad]); }
