/** How a command ends, for shells. */
export const Exit = { done: 0, failed: 1, usage: 2, interrupted: 130 } as const;
export type ExitCode = number;
