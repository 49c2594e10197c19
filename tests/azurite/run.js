// Runs Azurite's blob service until standard input ends: a test run that dies takes its emulator with it.
"use strict";
process.stdin.on("end", () => process.exit(0));
process.stdin.on("error", () => process.exit(0));
process.stdin.resume();
require(process.env.CHECKPOINTER_AZURITE_MODULE);
