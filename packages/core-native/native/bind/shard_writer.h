#pragma once

#include <napi.h>

namespace saev::bind {
/// openShardWriter, shardWriterInfo, shardWriterWrite, shardWriterCheckpoint, shardWriterFinish,
/// shardWriterAdopt, scanShards.
void register_shard_writer(Napi::Env env, Napi::Object exports);
}  // namespace saev::bind
