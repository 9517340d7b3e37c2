// The low-rank term of a layer without an adapter is 0; see matmul/lora.
// #include "linear_params"
@group(0) @binding(6) var<uniform> params: Params;
fn low_quad(row: u32, quad: u32) -> vec4f { return vec4f(); }
fn b_quad(n: u32, quad: u32) -> vec4f { return vec4f(); }
