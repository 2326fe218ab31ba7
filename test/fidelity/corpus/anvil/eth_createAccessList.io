>> {"jsonrpc":"2.0","id":19,"method":"eth_createAccessList","params":[{"to":"0x5FbDB2315678afecb367f032d93F642f64180aa3","data":"0x85bb7d69"},"latest"]}
<< {"jsonrpc":"2.0","id":19,"result":{"accessList":[],"gasUsed":"0x52a8"}}
