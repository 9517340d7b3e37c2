// Operands of subgroup matrices, as they are.
alias Element = f32;
alias ElementQuad = vec4f;
