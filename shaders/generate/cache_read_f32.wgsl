// Reads cached keys and values in f32, four per element.
@group(0) @binding(1) var<storage, read> key_cache: array<vec4f>;
@group(0) @binding(2) var<storage, read> value_cache: array<vec4f>;
fn key_quad(quad: u32) -> vec4f { return key_cache[quad]; }
fn value_quad(quad: u32) -> vec4f { return value_cache[quad]; }
