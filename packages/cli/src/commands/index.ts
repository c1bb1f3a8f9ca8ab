import { ActivationsCommand } from "./activations.js";
import { ConvertCommand } from "./convert.js";
import { DoctorCommand } from "./doctor.js";
import { DownloadCommand } from "./download.js";
import { EvaluateCommand } from "./evaluate.js";
import { ExploreCommand } from "./explore.js";
import { ExportCommand } from "./export.js";
import { InfoCommand } from "./info.js";
import { LatentsCommand } from "./latents.js";
import { ModelsCommand } from "./models.js";
import { NamesCommand } from "./names.js";
import { PlotsCommand } from "./plots.js";
import { SetupCommand } from "./setup.js";
import { TrainCommand } from "./train.js";
import { VerifyCommand } from "./verify.js";
import { VisualsCommand } from "./visuals.js";

/** All commands, in the order in which they are used. */
export const commands = [
  ActivationsCommand,
  TrainCommand,
  EvaluateCommand,
  LatentsCommand,
  VisualsCommand,
  NamesCommand,
  ExploreCommand,
  ExportCommand,
  PlotsCommand,
  InfoCommand,
  VerifyCommand,
  ConvertCommand,
  ModelsCommand,
  DownloadCommand,
  DoctorCommand,
  SetupCommand,
] as const;
