import { DoctorCommand } from "./doctor.js";
import { InfoCommand } from "./info.js";
import { SetupCommand } from "./setup.js";

/** All commands, in the order in which they are used. */
export const commands = [InfoCommand, DoctorCommand, SetupCommand] as const;
