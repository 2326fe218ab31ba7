>> {"jsonrpc":"2.0","id":109,"method":"txpool_content","params":[]}
<< {"jsonrpc":"2.0","id":109,"result":{"pending":{},"queued":{}}}
