// Writes cached keys and values in f32, four per element.
@group(0) @binding(6) var<storage, read_write> key_cache: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> value_cache: array<vec4f>;
fn stored(quad: vec4f) -> vec4f { return quad; }
