>> {"jsonrpc":"2.0","id":108,"method":"txpool_status"}
<< {"jsonrpc":"2.0","id":108,"result":{"pending":"0x0","queued":"0x0"}}
