"""The cache: records come in; columns of bits, rows and terms in files beside the shard go out."""
