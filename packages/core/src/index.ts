/** Typed components whose state is kept up to date, exactly once, on the store you choose. */
export type { DecoratorError } from './component/checks.js';
export { Component } from './component/component.js';
export type {
  FlowContext,
  MethodContext,
  PassedIsNotDeclared,
  PassingContext,
  UpdateContext,
} from './component/context.js';
export type { AnyComponent, ComponentClass, FlowTypes, LooseTypes, ValidTypes } from './component/declare.js';
export {
  type FlowNames,
  InitState,
  type InitStateDecorator,
  Serve,
  type ServeDecorator,
  Update,
  type UpdateDecorator,
} from './component/decorators.js';
export type { CacheOptions, DiscardOptions, RetryOptions, ServeOptions, UpdateOptions } from './component/options.js';
export type {
  CallArgs,
  Chunk,
  DeepReadonly,
  Extend,
  FlowKey,
  FlowStream,
  InitParams,
  Props,
  Result,
  State,
  StatePatch,
  StreamKey,
  UpdateProps,
} from './component/read.js';
export { isRemove, type Remove, remove } from './component/remove.js';
export {
  type CopiedInstance,
  type CopyOptions,
  type CopyProgress,
  type CopyReport,
  copyInstances,
} from './copy/copy-instances.js';
export type { Env } from './env.js';
export { MotionError, type MotionErrorCode, type MotionErrorDetails } from './errors.js';
export type {
  DeadLetter,
  Inspection,
  Instance,
  InstanceArgs,
  InstanceOptions,
  RunArgs,
  RunOptions,
  SignalOptions,
  StreamArgs,
  StreamOptions,
} from './runtime/api.js';
export { type CloseOptions, Motion, type Worker, type WorkerOptions } from './runtime/motion.js';
export type { BackgroundErrorInfo, Logger, MotionOptions } from './runtime/options.js';
export type { Signal } from './signal.js';
export { type Codec, type CodecExtension, msgpackCodec } from './state/codec.js';
export { StoreError, type StoreErrorCode } from './store/errors.js';
