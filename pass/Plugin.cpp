// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Registers the pass: at the end of every optimizing pipeline, and by name
// (-passes=fencepost) for tests. The only file that reads the environment.
#include "Fencepost.h"
#include "LlvmCompat.h"
#include "Mark.h"

#include <cstdlib>

using namespace llvm;
using namespace fencepost;

static FencepostOptions readOptions() {
  FencepostOptions Options;
  if (const char *Text = std::getenv("FENCEPOST_PASS_OPTIONS"))
    Options.Text = Text;
  return Options;
}

static void registerCallbacks(PassBuilder &Builder) {
  FencepostOptions Options = readOptions();
  // The third argument of newer versions, the phase of LTO, does not matter.
  Builder.registerOptimizerLastEPCallback(
      [Options](ModulePassManager &Manager, OptimizationLevel, auto...) {
        Manager.addPass(FencepostPass(Options));
      });
  Builder.registerPipelineStartEPCallback(
      [](ModulePassManager &Manager, OptimizationLevel, auto...) {
        Manager.addPass(MarkPass());
      });
  Builder.registerPipelineParsingCallback(
      [Options](StringRef Name, ModulePassManager &Manager,
                ArrayRef<PassBuilder::PipelineElement>) {
        if (Name == "fencepost-mark")
          Manager.addPass(MarkPass());
        else if (Name == "fencepost")
          Manager.addPass(FencepostPass(Options));
        else
          return false;
        return true;
      });
}

extern "C" LLVM_ATTRIBUTE_VISIBILITY_DEFAULT
    LLVM_ATTRIBUTE_WEAK PassPluginLibraryInfo
    llvmGetPassPluginInfo() {
  PassPluginLibraryInfo Info{};
  Info.APIVersion = LLVM_PLUGIN_API_VERSION;
  Info.PluginName = "fencepost";
  Info.PluginVersion = FENCEPOST_VERSION;
  Info.RegisterPassBuilderCallbacks = registerCallbacks;
  return Info;
}
