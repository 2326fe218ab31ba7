>> {"jsonrpc":"2.0","id":4,"method":"net_version","params":[]}
<< {"jsonrpc":"2.0","id":4,"result":"31337"}
